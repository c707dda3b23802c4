#include "include/CBrokerABI.h"
