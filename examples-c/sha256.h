/* SHA-256 (FIPS 180-4), piece by piece. */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK = 64 };

/* May be copied at any time, to go on with both. */
struct sha256 {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[SHA256_BLOCK];
};

static void sha256_begin(struct sha256 *hash) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(hash->state, start, sizeof start);
    hash->length = 0;
}

static inline uint32_t sha256_rotate(uint32_t value, int bits) {
    return value >> bits | value << (32 - bits);
}

static void sha256_block(uint32_t *state, const uint8_t *block) {
    static const uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64];
    for (int i = 0; i < 16; i++) {
        const uint8_t *at = block + 4 * i;
        w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        x = sha256_rotate(x, 7) ^ sha256_rotate(x, 18) ^ x >> 3;
        y = sha256_rotate(y, 17) ^ sha256_rotate(y, 19) ^ y >> 10;
        w[i] = w[i - 16] + x + w[i - 7] + y;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t x = h + constants[i] + w[i] + (g ^ (e & (f ^ g))) +
                     (sha256_rotate(e, 6) ^ sha256_rotate(e, 11) ^ sha256_rotate(e, 25));
        uint32_t y = ((a & b) | (c & (a | b))) +
                     (sha256_rotate(a, 2) ^ sha256_rotate(a, 13) ^ sha256_rotate(a, 22));
        h = g, g = f, f = e, e = d + x;
        d = c, c = b, b = a, a = x + y;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha256_add(struct sha256 *hash, const uint8_t *data, size_t size) {
    size_t used = (size_t)(hash->length % SHA256_BLOCK);
    hash->length += size;
    if (used > 0) {
        size_t part = size < SHA256_BLOCK - used ? size : SHA256_BLOCK - used;
        memcpy(hash->block + used, data, part);
        data += part;
        size -= part;
        if (used + part < SHA256_BLOCK) return;
        sha256_block(hash->state, hash->block);
    }
    for (; size >= SHA256_BLOCK; data += SHA256_BLOCK, size -= SHA256_BLOCK) sha256_block(hash->state, data);
    if (size > 0) memcpy(hash->block, data, size);
}

/* The hash of all that was added, to which more can be added afterwards. */
static void sha256_end(const struct sha256 *so_far, uint8_t *digest) {
    static const uint8_t padding[SHA256_BLOCK] = {0x80};
    struct sha256 hash = *so_far;
    uint64_t bits = 8 * hash.length;
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
    size_t used = (size_t)(hash.length % SHA256_BLOCK);
    sha256_add(&hash, padding, (used < 56 ? 56 : 120) - used);
    sha256_add(&hash, length, sizeof length);
    for (int i = 0; i < SHA256_BYTES; i++) digest[i] = (uint8_t)(hash.state[i / 4] >> (24 - 8 * (i % 4)));
}

#endif
