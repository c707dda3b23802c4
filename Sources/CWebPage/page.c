#include "include/CWebPage.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char html[] = {
#embed "page.html"
};
#pragma clang diagnostic pop

const unsigned char *webpage_html(size_t *length)
{
	*length = sizeof(html);
	return html;
}
