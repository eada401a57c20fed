#include "copenssl.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

int copenssl_hmac_sm3(
    const uint8_t *key, size_t key_length, const uint8_t *head, size_t head_length, const uint8_t *body,
    size_t body_length, uint8_t mac[32]) {
  char digest[] = "SM3";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()};
  EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
  EVP_MAC_CTX *context = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
  size_t written = 0;
  int done = context && EVP_MAC_init(context, key, key_length, parameters) &&
             EVP_MAC_update(context, head, head_length) && EVP_MAC_update(context, body, body_length) &&
             EVP_MAC_final(context, mac, &written, 32) && written == 32;
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(algorithm);
  ERR_clear_error();
  return done;
}

int copenssl_speaks_http2(const void *ssl) {
  const unsigned char *name = NULL;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  return name && length == 2 && memcmp(name, "h2", 2) == 0;
}

static BIO *reading(const char *text, size_t length) {
  return length <= INT_MAX ? BIO_new_mem_buf(text, (int)length) : NULL;
}

static int describe(X509 *certificate, copenssl_certificate *found) {
  memset(found, 0, sizeof *found);
  unsigned int length = 0;
  if (!X509_digest(certificate, EVP_sha256(), found->sha256, &length) || length != 32) return 0;
  struct tm end;
  if (!ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end)) return 0;
  found->not_after = timegm(&end);
  BIO *out = BIO_new(BIO_s_mem());
  if (!out) return 0;
  X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  int count = BIO_read(out, found->subject, sizeof found->subject - 1);
  found->subject[count > 0 ? count : 0] = 0;
  BIO_free(out);
  return 1;
}

// The next block of a PEM text: 1, 0 at the end, or what is wrong with it. `*certificate` is the caller's to free.
static int next(BIO *in, X509 **certificate) {
  char *name = NULL, *header = NULL;
  unsigned char *data = NULL;
  long length = 0;
  *certificate = NULL;
  if (!PEM_read_bio(in, &name, &header, &data, &length))
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? 0 : COPENSSL_UNREADABLE;
  int outcome = 1;
  if (strcmp(name, PEM_STRING_X509) != 0) {
    outcome = COPENSSL_NOT_A_CERTIFICATE;
  } else {
    const unsigned char *at = data;
    *certificate = d2i_X509(NULL, &at, length);
    if (!*certificate) outcome = COPENSSL_UNREADABLE;
  }
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, (size_t)length);
  return outcome;
}

int copenssl_certificates(const char *pem, size_t length, copenssl_certificate *found, int room) {
  BIO *in = reading(pem, length);
  if (!in) return COPENSSL_UNREADABLE;
  int count = 0, outcome;
  X509 *certificate;
  while ((outcome = next(in, &certificate)) == 1) {
    if (count == room) outcome = COPENSSL_TOO_MANY;
    else if (!describe(certificate, &found[count++])) outcome = COPENSSL_UNREADABLE;
    X509_free(certificate);
    if (outcome != 1) break;
  }
  BIO_free(in);
  ERR_clear_error();
  return outcome < 0 ? outcome : count;
}

// Instead of asking on the terminal.
static int no_passphrase(char *buffer, int size, int writing, void *client) {
  (void)buffer, (void)size, (void)writing, (void)client;
  return -1;
}

int copenssl_key_fits(const char *certificate, size_t certificate_length, const char *key, size_t key_length) {
  BIO *in = reading(certificate, certificate_length), *secret = reading(key, key_length);
  X509 *first = in ? PEM_read_bio_X509(in, NULL, no_passphrase, NULL) : NULL;
  EVP_PKEY *private = secret ? PEM_read_bio_PrivateKey(secret, NULL, no_passphrase, NULL) : NULL;
  int outcome = COPENSSL_UNREADABLE;
  if (private) outcome = first && X509_check_private_key(first, private) == 1;
  EVP_PKEY_free(private);
  X509_free(first);
  BIO_free(in);
  BIO_free(secret);
  ERR_clear_error();
  return outcome;
}
