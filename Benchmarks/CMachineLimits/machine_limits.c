#define _GNU_SOURCE
#include "machine_limits.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
  ACCUMULATORS = 12,
  ROUNDS = 20000,
  PLAIN_ELEMENTS = 4096,
  READ_BYTES = 96 << 20,
  READ_PART = 4 << 20,
};

/// A thread's memory, if it reads some, and where what comes out goes, so that no loop is left out.
typedef struct work_state {
  uint8_t *memory;
  size_t offset;
  uint64_t result;
} work_state;

/// Does some work and returns how many bytes or operations it was.
typedef double work_function(work_state *state);

static const uint8_t *next_part(work_state *state) {
  const uint8_t *part = state->memory + state->offset;
  state->offset = (state->offset + READ_PART) % READ_BYTES;
  return part;
}

static double read_plain(work_state *state) {
  const uint8_t *part = next_part(state);
  uint64_t sums[8] = {0};
  for (size_t i = 0; i < READ_PART; i += sizeof sums) {
    uint64_t words[8];
    memcpy(words, part + i, sizeof words);
    for (int lane = 0; lane < 8; lane++) {
      sums[lane] += words[lane];
    }
  }
  for (int lane = 0; lane < 8; lane++) {
    state->result += sums[lane];
  }
  return READ_PART;
}

static double int8_plain(work_state *state) {
  static int8_t a[PLAIN_ELEMENTS], b[PLAIN_ELEMENTS];
  for (int round = 0; round < 100; round++) {
    int32_t sum = 0;
    // Whoever might write them: no loop is computed ahead.
    __asm__ volatile("" ::"r"(a), "r"(b) : "memory");
    for (int i = 0; i < PLAIN_ELEMENTS; i++) {
      sum += a[i] * b[i];
    }
    state->result += (uint32_t)sum;
  }
  return 100.0 * PLAIN_ELEMENTS * 2;
}

static double f32_plain(work_state *state) {
  static float a[PLAIN_ELEMENTS], b[PLAIN_ELEMENTS];
  float sums[64] = {0};
  for (int round = 0; round < 100; round++) {
    // Whoever might write them: no loop is computed ahead.
    __asm__ volatile("" ::"r"(a), "r"(b) : "memory");
    for (int i = 0; i < PLAIN_ELEMENTS; i += 64) {
      for (int lane = 0; lane < 64; lane++) {
        sums[lane] += a[i + lane] * b[i + lane];
      }
    }
  }
  state->result += sums[0] > 1;
  return 100.0 * PLAIN_ELEMENTS * 2;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))

AVX2 static double read_avx2(work_state *state) {
  const __m256i *part = (const __m256i *)next_part(state);
  __m256i sums[8];
  for (int lane = 0; lane < 8; lane++) {
    sums[lane] = _mm256_setzero_si256();
  }
  for (size_t i = 0; i < READ_PART / sizeof *part; i += 8) {
    for (size_t lane = 0; lane < 8; lane++) {
      sums[lane] = _mm256_or_si256(sums[lane], part[i + lane]);
    }
  }
  for (int lane = 0; lane < 8; lane++) {
    state->result += (uint64_t)_mm256_extract_epi64(sums[lane], 0);
  }
  return READ_PART;
}

AVX2 static double int8_avx2(work_state *state) {
  __m256i sums[ACCUMULATORS], a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(-1);
  for (int i = 0; i < ACCUMULATORS; i++) {
    sums[i] = _mm256_setzero_si256();
  }
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < ACCUMULATORS; i++) {
      // Otherwise all products would be one.
      __asm__ volatile("" : "+x"(a));
      sums[i] = _mm256_add_epi16(sums[i], _mm256_maddubs_epi16(a, b));
    }
  }
  for (int i = 0; i < ACCUMULATORS; i++) {
    state->result += (uint64_t)_mm256_extract_epi64(sums[i], 0);
  }
  return (double)ROUNDS * ACCUMULATORS * 32 * 2;
}

AVX2 static double f32_avx2(work_state *state) {
  __m256 sums[ACCUMULATORS], a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
  for (int i = 0; i < ACCUMULATORS; i++) {
    sums[i] = _mm256_set1_ps((float)i);
  }
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < ACCUMULATORS; i++) {
      sums[i] = _mm256_fmadd_ps(sums[i], a, b);
    }
  }
  for (int i = 0; i < ACCUMULATORS; i++) {
    state->result += (uint64_t)_mm256_cvtss_f32(sums[i]);
  }
  return (double)ROUNDS * ACCUMULATORS * 8 * 2;
}

AVX512 static double read_avx512(work_state *state) {
  const __m512i *part = (const __m512i *)next_part(state);
  __m512i sums[8];
  for (int lane = 0; lane < 8; lane++) {
    sums[lane] = _mm512_setzero_si512();
  }
  for (size_t i = 0; i < READ_PART / sizeof *part; i += 8) {
    for (size_t lane = 0; lane < 8; lane++) {
      sums[lane] = _mm512_or_si512(sums[lane], part[i + lane]);
    }
  }
  for (int lane = 0; lane < 8; lane++) {
    state->result += (uint64_t)_mm512_reduce_or_epi64(sums[lane]);
  }
  return READ_PART;
}

AVX512 static double int8_avx512(work_state *state) {
  __m512i sums[ACCUMULATORS], a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(-1);
  for (int i = 0; i < ACCUMULATORS; i++) {
    sums[i] = _mm512_setzero_si512();
  }
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < ACCUMULATORS; i++) {
      // Otherwise the compiler could count.
      __asm__ volatile("" : "+v"(a));
      sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
    }
  }
  for (int i = 0; i < ACCUMULATORS; i++) {
    state->result += (uint64_t)_mm512_reduce_add_epi32(sums[i]);
  }
  return (double)ROUNDS * ACCUMULATORS * 64 * 2;
}

AVX512 static double f32_avx512(work_state *state) {
  __m512 sums[ACCUMULATORS], a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
  for (int i = 0; i < ACCUMULATORS; i++) {
    sums[i] = _mm512_set1_ps((float)i);
  }
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < ACCUMULATORS; i++) {
      sums[i] = _mm512_fmadd_ps(sums[i], a, b);
    }
  }
  for (int i = 0; i < ACCUMULATORS; i++) {
    state->result += (uint64_t)_mm512_reduce_add_ps(sums[i]);
  }
  return (double)ROUNDS * ACCUMULATORS * 16 * 2;
}

static work_function *function_of(limits_kind kind, limits_level level) {
  static work_function *const functions[3][3] = {
      {read_plain, read_avx2, read_avx512},
      {int8_plain, int8_avx2, int8_avx512},
      {f32_plain, f32_avx2, f32_avx512},
  };
  __builtin_cpu_init();
  const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int has_avx512 = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
  if ((level >= LIMITS_AVX2 && !has_avx2) || (level == LIMITS_AVX512 && !has_avx512)) {
    return NULL;
  }
  return functions[kind][level];
}

#else

static work_function *function_of(limits_kind kind, limits_level level) {
  static work_function *const functions[] = {read_plain, int8_plain, f32_plain};
  return level == LIMITS_PORTABLE ? functions[kind] : NULL;
}

#endif

typedef struct thread_state {
  pthread_t thread;
  pthread_barrier_t *start;
  work_function *work;
  double seconds;
  int reads;
  double per_second;
} thread_state;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/// Memory that is there, in huge pages if there are some; null if there is none.
static uint8_t *take_memory(void) {
  uint8_t *memory =
      mmap(NULL, READ_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return NULL;
  }
  madvise(memory, READ_BYTES, MADV_HUGEPAGE);
  memset(memory, 1, READ_BYTES);
  return memory;
}

static void *run_thread(void *argument) {
  thread_state *thread = argument;
  work_state state = {.memory = thread->reads ? take_memory() : NULL};
  pthread_barrier_wait(thread->start);
  if (thread->reads && state.memory == NULL) {
    return NULL;
  }
  const double begin = now();
  double done = 0, end;
  do {
    done += thread->work(&state);
    end = now();
  } while (end - begin < thread->seconds);
  thread->per_second = done / (end - begin);
  volatile uint64_t result = state.result;
  (void)result;
  if (thread->reads) {
    munmap(state.memory, READ_BYTES);
  }
  return NULL;
}

double limits_measure(limits_kind kind, limits_level level, unsigned threads, double seconds) {
  work_function *work = function_of(kind, level);
  thread_state *states = calloc(threads, sizeof *states);
  pthread_barrier_t start;
  double sum = 0;
  if (work == NULL || states == NULL || pthread_barrier_init(&start, NULL, threads) != 0) {
    free(states);
    return 0;
  }
  for (unsigned i = 0; i < threads; i++) {
    states[i] = (thread_state){
        .start = &start, .work = work, .seconds = seconds, .reads = kind == LIMITS_READ};
    if (pthread_create(&states[i].thread, NULL, run_thread, &states[i]) != 0) {
      // Those that wait for the others would wait for ever.
      abort();
    }
  }
  for (unsigned i = 0; i < threads; i++) {
    pthread_join(states[i].thread, NULL);
    sum += states[i].per_second;
  }
  pthread_barrier_destroy(&start);
  free(states);
  return sum;
}
