// Swift cannot call C's variadic functions, and libcurl sets and reads every option through one.
// Each function here fixes the type of the third argument; which option takes which type is
// libcurl's own rule (CURLOPTTYPE_LONG, _OBJECTPOINT, _OFF_T, _FUNCTIONPOINT).
#ifndef XIECHA_CCURL_SHIMS_H
#define XIECHA_CCURL_SHIMS_H

// Distinct handle types instead of void *, so that an easy handle is not taken for a multi handle.
#ifndef CURL_STRICTER
#define CURL_STRICTER 1
#endif

#include <curl/curl.h>

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}

// libcurl copies the text.
static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

// libcurl keeps the pointer: it must outlive the transfer (CURLOPT_POSTFIELDS, _PRIVATE,
// _ERRORBUFFER).
static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *value) {
  return curl_easy_setopt(easy, option, value);
}

// libcurl copies the bytes; none takes the option back.
static inline CURLcode ccurl_set_blob(CURL *easy, CURLoption option, const void *bytes, size_t length) {
  struct curl_blob blob = {(void *)bytes, length, CURL_BLOB_COPY};
  return curl_easy_setopt(easy, option, length ? &blob : NULL);
}

// libcurl keeps the list: it must outlive the transfer.
static inline CURLcode ccurl_set_headers(CURL *easy, struct curl_slist *headers) {
  return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

static inline CURLcode ccurl_on_body(CURL *easy, curl_write_callback function, void *client) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, function);
  return code ? code : curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
}

// One call for each header line, those of interim replies included.
static inline CURLcode ccurl_on_header(CURL *easy, curl_write_callback function, void *client) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, function);
  return code ? code : curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
}

// Called with each resolved address before a socket is made for it.
static inline CURLcode ccurl_on_socket(
    CURL *easy, curl_opensocket_callback function, void *client) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
  return code ? code : curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
}

// Called before each request is sent, also on a kept connection; CURL_PREREQFUNC_ABORT keeps it from being sent, and
// leaves the connection to others that are on it.
static inline CURLcode ccurl_on_request(CURL *easy, curl_prereq_callback function, void *client) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, function);
  return code ? code : curl_easy_setopt(easy, CURLOPT_PREREQDATA, client);
}

// The SSL of OpenSSL under the connection that the transfer has just now; NULL where there is none, or one of another
// library.
static inline void *ccurl_get_ssl(CURL *easy) {
  struct curl_tlssessioninfo *info = NULL;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || !info) return NULL;
  return info->backend == CURLSSLBACKEND_OPENSSL ? info->internals : NULL;
}

static inline CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value) {
  return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode ccurl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value) {
  return curl_easy_getinfo(easy, info, value);
}

// The text belongs to the handle and lives until its next transfer.
static inline CURLcode ccurl_get_text(CURL *easy, CURLINFO info, const char **value) {
  return curl_easy_getinfo(easy, info, value);
}

// The certificates belong to the handle and live until its next transfer.
static inline CURLcode ccurl_get_certificates(CURL *easy, struct curl_certinfo **value) {
  return curl_easy_getinfo(easy, CURLINFO_CERTINFO, value);
}

static inline CURLcode ccurl_get_private(CURL *easy, void **value) {
  return curl_easy_getinfo(easy, CURLINFO_PRIVATE, value);
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

#endif
