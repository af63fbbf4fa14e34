// SHA-256 and HMAC from OpenSSL's libcrypto, which libgrpc links already.
#ifndef WEFT_CCRYPTO_H
#define WEFT_CCRYPTO_H

#include <features.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#endif // WEFT_CCRYPTO_H
