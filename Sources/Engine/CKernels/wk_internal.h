/// What all of the kernels' sources share.
#ifndef WK_INTERNAL_H
#define WK_INTERNAL_H

#include <stddef.h>

// Each multiplication and addition rounds as it is written; where one rounding is meant, the code
// says fmaf.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)
#define WK_HAS_AVX2 1
#define WK_AVX2 __attribute__((target("avx2,fma,f16c")))
#define WK_AVX2_INLINE static inline __attribute__((always_inline, target("avx2,fma,f16c")))
#define WK_AVX512_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"
#define WK_AVX512 __attribute__((target(WK_AVX512_TARGET)))
#define WK_AVX512_INLINE static inline __attribute__((always_inline, target(WK_AVX512_TARGET)))
#else
#define WK_HAS_AVX2 0
#endif

#if defined(__aarch64__)
#define WK_HAS_NEON 1
#define WK_NEON_INLINE static inline __attribute__((always_inline))
#define WK_NEON_DOT __attribute__((target("dotprod")))
#define WK_NEON_DOT_INLINE static inline __attribute__((always_inline, target("dotprod")))
#else
#define WK_HAS_NEON 0
#endif

static inline size_t wk_smaller(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t wk_larger(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t wk_divided_up(size_t a, size_t b) { return (a + b - 1) / b; }

/// Marks a case that earlier checks rule out.
static inline _Noreturn void wk_unreachable(void) { __builtin_trap(); }

#endif
