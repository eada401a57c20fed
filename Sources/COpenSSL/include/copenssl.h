// What the callbacks need of OpenSSL beyond libcurl's own use of it: the Chinese hash SM3, the reading of PEM texts by the
// same library that will use them in a handshake, and what a handshake has agreed on. No type of OpenSSL shows here.
#ifndef XIECHA_COPENSSL_H
#define XIECHA_COPENSSL_H

#include <stddef.h>
#include <stdint.h>

// HMAC-SM3 (GB/T 32905 with RFC 2104) over `head` and `body`, one after the other. 1, or 0 when this libcrypto has no
// SM3.
int copenssl_hmac_sm3(
    const uint8_t *key, size_t key_length, const uint8_t *head, size_t head_length, const uint8_t *body,
    size_t body_length, uint8_t mac[32]);

// 1 when the handshake of this SSL (of OpenSSL's libssl) has agreed on HTTP/2 (ALPN, RFC 7301), 0 when on anything else.
int copenssl_speaks_http2(const void *ssl);

typedef struct {
  // RFC 2253, UTF-8, cut to fit.
  char subject[256];
  uint8_t sha256[32];
  // Seconds since 1970.
  int64_t not_after;
} copenssl_certificate;

enum {
  // Something that is not a readable certificate.
  COPENSSL_UNREADABLE = -1,
  // A private key, or anything else that PEM may hold.
  COPENSSL_NOT_A_CERTIFICATE = -2,
  COPENSSL_TOO_MANY = -3,
};

// Certificates in a PEM text, in order: their number, or one of the above.
int copenssl_certificates(const char *pem, size_t length, copenssl_certificate *found, int room);

// 1 when `key` is the private key of the first certificate, 0 when it is another's, COPENSSL_UNREADABLE when there is no
// private key without a passphrase.
int copenssl_key_fits(const char *certificate, size_t certificate_length, const char *key, size_t key_length);

#endif
