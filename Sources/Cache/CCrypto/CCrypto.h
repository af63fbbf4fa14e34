// SHA-256 from OpenSSL's libcrypto, which libgrpc links already.
#ifndef WEFT_CCRYPTO_H
#define WEFT_CCRYPTO_H

#include <features.h>
#include <openssl/sha.h>

#endif // WEFT_CCRYPTO_H
