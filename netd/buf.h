/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing byte buffer for text and records, and a bounds-checked reader of records. Pure. */
#ifndef NETD_BUF_H
#define NETD_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Zero-initialise ({ 0 }). A failed allocation sets failed and makes all later calls no-ops, so that
 * it needs to be tested once, at the end.
 */
struct buf {
	char *data; /* NUL-terminated once anything was added */
	size_t len;
	size_t cap;
	bool failed;
};

void buf_free(struct buf *buf); /* also a cleanup function; leaves the buffer empty */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text so far as a string of the caller's (free(3)), "" if nothing; NULL if out of memory. */
char *buf_take(struct buf *buf);

/* Records: integers big endian; strings and bytes with a 32-bit length before them. */
void buf_put_u8(struct buf *buf, uint8_t v);
void buf_put_u16(struct buf *buf, uint16_t v);
void buf_put_u32(struct buf *buf, uint32_t v);
void buf_put_u64(struct buf *buf, uint64_t v);
void buf_put_str(struct buf *buf, const char *s);

/* After a read beyond the end, failed is set and every get returns 0. */
struct reader {
	const uint8_t *data;
	size_t len;
	size_t pos;
	bool failed;
};

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
void reader_bytes(struct reader *r, void *ret, size_t len);
/* Copies into ret of size bytes; a string that does not fit or holds a NUL is a failure. */
void reader_str(struct reader *r, char *ret, size_t size);

#define _cleanup_buf_ __attribute__((cleanup(buf_free)))

#endif
