/* libyaml, as Debian's libyaml-dev has it. */
#include <yaml.h>
