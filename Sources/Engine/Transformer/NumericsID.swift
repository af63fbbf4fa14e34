package import Kernels

/// Names how the kernels round.
///
/// KV blocks computed under different names never mix (DESIGN §3, content keys): whoever changes a
/// result of the forward pass by as much as a bit changes the name with it. A test that pins the
/// checksum of a small model's logits enforces that.
package enum NumericsID {
  /// 8-bit activations in groups of 32 with an exact outlier per 128, f32 sums in input order, keys
  /// and values in f16 or in levels of 8 bits with a scale per 32, online softmax over 64 positions at
  /// a time in ranges of 1024; the first version.
  package static func current(_ type: KVType) -> String {
    switch type {
    case .f16: "q8x32o128-f32-kvf16-softmax64in1024-v1"
    case .q8: "q8x32o128-f32-kvq8x32-softmax64in1024-v1"
    }
  }
}
