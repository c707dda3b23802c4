#ifndef CWEBPAGE_H
#define CWEBPAGE_H
#include <stddef.h>

/* page.html, which the agent's admin listener serves, and its length; #embed is C only. */
const unsigned char *_Nonnull webpage_html(size_t *_Nonnull length);

#endif
