/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The page of accounts: what clients and models have used, in a file that the
 * agent makes and that it and every proxy map. It outlives each of them.
 *
 *     0            struct mb_account_page, and zeros
 *     4096 + 256n  struct mb_account of slot n + 1
 *
 * An account's state is a rate's theoretical arrival time (gcra.h), or a
 * quota's period and what is used of it in one word: both change by
 * compare-and-swap alone, so that a process that dies leaves them whole.
 */
#ifndef MODELBROKER_ACCOUNT_H
#define MODELBROKER_ACCOUNT_H

#include "../../../bpf/include/bucket.h"

#define MB_ACCOUNT_MAGIC 0x544e554f4343414dull /* "MACCOUNT" */
#define MB_ACCOUNT_VERSION 1u
#define MB_ACCOUNT_HEADER 4096
#define MB_ACCOUNT_NAME 192
/* More limits than this in one configuration are refused. */
#define MB_MAX_ACCOUNTS 262144u

struct mb_account_page {
	mb_u64 magic; /* written last */
	mb_u32 version;
	mb_u32 count; /* slots that the file has */
	mb_u64 boot[2]; /* the boot whose CLOCK_MONOTONIC the rates' times are of */
	mb_u32 suspended; /* what is used can't be written down: quotas admit nothing */
	mb_u32 spare[7];
};

/* The first line is laid out as struct mb_bucket: a rate is charged as one. */
struct mb_account {
	mb_u64 state;
	mb_u64 admitted; /* units; of a quota those settled */
	mb_u64 refused; /* units */
	mb_u64 observed;
	mb_u64 contended;
	mb_u64 tenure; /* rises when the slot is given away or becomes free; odd: it has an owner */
	mb_u64 spare[2];
	char name[MB_ACCOUNT_NAME]; /* whose it is, with zeros up to the end */
};

MB_ASSERT_SIZE(struct mb_account_page, 64);
MB_ASSERT_SIZE(struct mb_account, 256);

static inline mb_u64 mb_word_load(const mb_u64 *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline void mb_word_store(mb_u64 *word, mb_u64 value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
static inline mb_u64 mb_word_add(mb_u64 *word, mb_u64 value) { return __atomic_fetch_add(word, value, __ATOMIC_ACQ_REL); }

/* Whether `word` was `old`, and is `value` now. */
static inline int mb_word_swap(mb_u64 *word, mb_u64 old, mb_u64 value)
{
	return __atomic_compare_exchange_n(word, &old, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline mb_u64 *mb_account_state(struct mb_account *account) { return &account->state; }
static inline mb_u64 *mb_account_admitted(struct mb_account *account) { return &account->admitted; }
static inline mb_u64 *mb_account_refused(struct mb_account *account) { return &account->refused; }
static inline mb_u64 *mb_account_tenure(struct mb_account *account) { return &account->tenure; }
static inline mb_u64 *mb_account_magic(struct mb_account_page *page) { return &page->magic; }

static inline int mb_account_suspended(const struct mb_account_page *page)
{
	return __atomic_load_n(&page->suspended, __ATOMIC_ACQUIRE) != 0;
}

static inline void mb_account_suspend(struct mb_account_page *page, int suspended)
{
	__atomic_store_n(&page->suspended, suspended != 0, __ATOMIC_RELEASE);
}

static inline mb_u32 mb_account_count(const struct mb_account_page *page)
{
	return __atomic_load_n(&page->count, __ATOMIC_ACQUIRE);
}

static inline void mb_account_announce(struct mb_account_page *page, mb_u32 count)
{
	__atomic_store_n(&page->count, count, __ATOMIC_RELEASE);
}

#endif /* MODELBROKER_ACCOUNT_H */
