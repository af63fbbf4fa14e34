/// What the AVX-512 kernels share.
#ifndef WK_AVX512_H
#define WK_AVX512_H

#include "wk_avx2_product.h"

#if WK_HAS_AVX2

void wk_avx512_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                        size_t row_begin, size_t row_end);

#endif
#endif
