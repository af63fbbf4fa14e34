/// exp and tanh for f32, the same bits on every machine; libm's may differ from one to the next.
#ifndef WK_EXPONENTIAL_H
#define WK_EXPONENTIAL_H

#include <math.h>

#include "wk_float16.h"
#include "wk_internal.h"

// exp(x) = 2^n * exp(r), n = round(x / ln 2), |r| <= ln(2) / 2; exp(r) by its Taylor polynomial of
// degree 7, whose error (r^8 / 8! < 6e-9) is far below an f32's rounding.
#define WK_EXP_LARGEST 88.0f
#define WK_EXP_SMALLEST -87.0f
#define WK_EXP_LOG2_E 0x1.715476p0f
#define WK_EXP_ROUND 0x1.8p23f
#define WK_EXP_LN2_HIGH 0x1.62e4p-1f
#define WK_EXP_LN2_LOW 0x1.7f7d1cp-20f
#define WK_EXP_TERMS                                                                               \
  { 1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f }

/// 2^n and r of a number between -87 and 88.
typedef struct wk_exp_parts {
  float power;
  float r;
} wk_exp_parts;

static inline wk_exp_parts wk_split(float x) {
  const float shifted = fmaf(x, WK_EXP_LOG2_E, WK_EXP_ROUND);
  const float n = shifted - WK_EXP_ROUND;
  const float high = fmaf(n, -WK_EXP_LN2_HIGH, x);
  return (wk_exp_parts){
      .power = wk_float_of((wk_bits_of(shifted) + 127u) << 23),
      .r = fmaf(n, -WK_EXP_LN2_LOW, high),
  };
}

/// exp(value): 0 below -87, exp(88) above 88 and for a NaN, exactly 1 for 0.
static inline float wk_exp(float value) {
  static const float terms[8] = WK_EXP_TERMS;
  const float x = value < WK_EXP_LARGEST ? value : WK_EXP_LARGEST;
  if (x < WK_EXP_SMALLEST) {
    return 0;
  }
  const wk_exp_parts parts = wk_split(x);
  float sum = terms[0];
  for (int i = 1; i < 8; i++) {
    sum = fmaf(sum, parts.r, terms[i]);
  }
  return sum * parts.power;
}

// tanh(x / 2) = (exp(x) - 1) / (exp(x) + 1). exp(x) - 1 = 2^n * (exp(r) - 1) + (2^n - 1), without
// the polynomial's last term: so that small x lose no digits. From 20 on the f32 is 1.
#define WK_TANH_LARGEST 20.0f

/// cap * tanh(value / cap), with `factor` = 2 / cap: at most the cap in magnitude; a NaN for a NaN.
static inline float wk_soft_capped(float value, float cap, float factor) {
  static const float terms[8] = WK_EXP_TERMS;
  const float product = value * factor;
  const float below = WK_TANH_LARGEST < product ? WK_TANH_LARGEST : product;
  const wk_exp_parts parts = wk_split(-WK_TANH_LARGEST > below ? -WK_TANH_LARGEST : below);
  float sum = terms[0];
  for (int i = 1; i < 7; i++) {
    sum = fmaf(sum, parts.r, terms[i]);
  }
  const float less_one = fmaf(sum * parts.r, parts.power, parts.power - 1.0f);
  return cap * (less_one / (less_one + 2.0f));
}

/// -2 * sqrt(2 / pi), and 0.044715 times that: the polynomial of wk_kernel_set's geglu.
#define WK_GELU_LINEAR -0x1.988454p0f
#define WK_GELU_CUBIC -0x1.2444f2p-4f

#endif
