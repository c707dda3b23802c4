#ifndef CLINUX_MEMORY_H
#define CLINUX_MEMORY_H

/*
 * Lets threads share `count` malloc arenas instead of having up to eight for each core. For threads that do little, an
 * arena of its own holds more unused memory than waiting for a lock now and then costs.
 */
void clinux_limit_arenas(int count);

/*
 * Gives back what only the start needed: free heap pages, and from this process's mappings the pages of code and
 * constants, of which starting touches far more than running does. What is used again is mapped again from the page
 * cache, at a minor fault for each 64 KiB.
 */
void clinux_release_start_memory(void);

#endif
