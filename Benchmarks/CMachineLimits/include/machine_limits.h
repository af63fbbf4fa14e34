/// What this machine can do at most: loops that do one thing only.
#ifndef MACHINE_LIMITS_H
#define MACHINE_LIMITS_H

/// What is measured.
typedef enum limits_kind {
  /// Reading memory that no cache holds: bytes.
  LIMITS_READ,
  /// Multiplying numbers of 8 bits and adding the products: operations, two for each product.
  LIMITS_INT8,
  /// The same with f32, fused.
  LIMITS_F32,
} limits_kind;

/// The instructions that are used.
typedef enum limits_level {
  /// What the compiler makes of plain C.
  LIMITS_PORTABLE,
  /// vpmaddubsw and vpaddw; vfmadd.
  LIMITS_AVX2,
  /// vpdpbusd; vfmadd with vectors of 512 bits.
  LIMITS_AVX512,
} limits_level;

/// Bytes or operations per second of `threads` threads that all do `kind` for `seconds`; 0 when the
/// system gives no threads or memory, or the CPU lacks the level.
double limits_measure(limits_kind kind, limits_level level, unsigned threads, double seconds);

#endif
