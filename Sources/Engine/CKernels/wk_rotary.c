#include "wk_rotary.h"

#include "wk_internal.h"

// Cody and Waite's reduction: pi / 2 in two parts, of which the first has 33 bits, so that its
// product with a quadrant number below 2^20 is exact.
static const double QUARTER_TURN_HIGH = 0x1.921fb544p0;
static const double QUARTER_TURN_LOW = 0x1.0b4611a626331p-34;
static const double QUARTERS_PER_RADIAN = 0x1.45f306dc9c883p-1;

/// Taylor's polynomials to degree 17 and 16: on |x| <= pi / 4 their errors are below 1e-16.
static double small_sine(double x) {
  const double square = x * x;
  double sum = 0;
  for (int degree = 17; degree > 1; degree -= 2) {
    sum = (1 - sum) * square / (double)(degree * (degree - 1));
  }
  return x - x * sum;
}

static double small_cosine(double x) {
  const double square = x * x;
  double sum = 0;
  for (int degree = 16; degree > 0; degree -= 2) {
    sum = (1 - sum) * square / (double)(degree * (degree - 1));
  }
  return 1 - sum;
}

static void sine_and_cosine(double angle, float *sine, float *cosine) {
  const double quarters = __builtin_floor(angle * QUARTERS_PER_RADIAN + 0.5);
  const double x = (angle - quarters * QUARTER_TURN_HIGH) - quarters * QUARTER_TURN_LOW;
  const double s = small_sine(x), c = small_cosine(x);
  switch ((int64_t)quarters & 3) {
  case 0:
    *sine = (float)s, *cosine = (float)c;
    break;
  case 1:
    *sine = (float)c, *cosine = (float)-s;
    break;
  case 2:
    *sine = (float)-s, *cosine = (float)-c;
    break;
  default:
    *sine = (float)-c, *cosine = (float)s;
    break;
  }
}

void wk_rotary_angles(uint32_t position, const float *frequencies, size_t count, float *cosines,
                      float *sines) {
  for (size_t i = 0; i < count; i++) {
    sine_and_cosine((double)position * (double)frequencies[i], &sines[i], &cosines[i]);
  }
}

void wk_rotate(float *values, size_t heads, size_t head_dimension, wk_rotary_pairs pairs,
               const float *cosines, const float *sines, size_t count) {
  const size_t step = pairs == WK_PAIRS_OF_NEIGHBOURS ? 2 : 1;
  const size_t distance = pairs == WK_PAIRS_OF_NEIGHBOURS ? 1 : count;
  for (size_t head = 0; head < heads; head++) {
    float *first = values + head * head_dimension, *second = first + distance;
    for (size_t i = 0; i < count; i++) {
      const float x = first[step * i], y = second[step * i];
      const float xc = x * cosines[i], ys = y * sines[i];
      const float xs = x * sines[i], yc = y * cosines[i];
      first[step * i] = xc - ys;
      second[step * i] = xs + yc;
    }
  }
}
