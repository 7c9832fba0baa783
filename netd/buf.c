// SPDX-License-Identifier: GPL-2.0-or-later
#include "buf.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

/* Makes room for more bytes and a NUL. */
static bool buf_reserve(struct buf *buf, size_t more)
{
	size_t cap = buf->cap ? buf->cap : 256;
	char *data;

	if (buf->failed)
		return false;
	if (buf->cap && more < buf->cap - buf->len)
		return true;
	while (cap - buf->len <= more)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	return true;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (!buf_reserve(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		buf->failed = true;
		return;
	}
	if (!buf_reserve(buf, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(buf->data + buf->len, buf->cap - buf->len, fmt, ap);
	va_end(ap);
	buf->len += (size_t)n;
}

char *buf_take(struct buf *buf)
{
	char *data;

	buf_add(buf, "", 0);
	if (buf->failed)
		return NULL;
	data = buf->data;
	*buf = (struct buf){ 0 };
	return data;
}

void buf_put_u8(struct buf *buf, uint8_t v)
{
	buf_add(buf, &v, sizeof(v));
}

void buf_put_u16(struct buf *buf, uint16_t v)
{
	v = htobe16(v);
	buf_add(buf, &v, sizeof(v));
}

void buf_put_u32(struct buf *buf, uint32_t v)
{
	v = htobe32(v);
	buf_add(buf, &v, sizeof(v));
}

void buf_put_u64(struct buf *buf, uint64_t v)
{
	v = htobe64(v);
	buf_add(buf, &v, sizeof(v));
}

void buf_put_str(struct buf *buf, const char *s)
{
	size_t len = strlen(s);

	buf_put_u32(buf, (uint32_t)len);
	buf_add(buf, s, len);
}

void reader_bytes(struct reader *r, void *ret, size_t len)
{
	if (r->failed || len > r->len - r->pos) {
		r->failed = true;
		memset(ret, 0, len);
		return;
	}
	memcpy(ret, r->data + r->pos, len);
	r->pos += len;
}

uint8_t reader_u8(struct reader *r)
{
	uint8_t v;

	reader_bytes(r, &v, sizeof(v));
	return v;
}

uint16_t reader_u16(struct reader *r)
{
	uint16_t v;

	reader_bytes(r, &v, sizeof(v));
	return be16toh(v);
}

uint32_t reader_u32(struct reader *r)
{
	uint32_t v;

	reader_bytes(r, &v, sizeof(v));
	return be32toh(v);
}

uint64_t reader_u64(struct reader *r)
{
	uint64_t v;

	reader_bytes(r, &v, sizeof(v));
	return be64toh(v);
}

void reader_str(struct reader *r, char *ret, size_t size)
{
	uint32_t len = reader_u32(r);

	ret[0] = '\0';
	if (r->failed || len >= size || len > r->len - r->pos ||
	    memchr(r->data + r->pos, '\0', len)) {
		r->failed = true;
		return;
	}
	memcpy(ret, r->data + r->pos, len);
	ret[len] = '\0';
	r->pos += len;
}
