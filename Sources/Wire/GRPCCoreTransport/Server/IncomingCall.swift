internal import CGRPC
internal import GRPCCore

/// A call that core has been asked for, and what it says once it has come.
final class IncomingCall: CompletionNotice, @unchecked Sendable {
  private let raw: UnsafeMutablePointer<cgrpc_incoming_call>
  private let liveObjects: LiveObjects

  init(liveObjects: LiveObjects) {
    raw = cgrpc_incoming_call_create()
    self.liveObjects = liveObjects
    liveObjects.batches.increment()
  }

  deinit {
    if let call = raw.pointee.call { grpc_call_unref(call) }
    cgrpc_incoming_call_destroy(raw)
    liveObjects.batches.decrement()
  }

  // MARK: For core to fill

  var callSlot: UnsafeMutablePointer<OpaquePointer?> {
    UnsafeMutableRawPointer(raw).advanced(by: MemoryLayout<cgrpc_incoming_call>.offset(of: \.call)!)
      .assumingMemoryBound(to: OpaquePointer?.self)
  }

  var detailsSlot: UnsafeMutablePointer<grpc_call_details> {
    UnsafeMutableRawPointer(raw).advanced(
      by: MemoryLayout<cgrpc_incoming_call>.offset(of: \.details)!
    ).assumingMemoryBound(to: grpc_call_details.self)
  }

  var metadataSlot: UnsafeMutablePointer<grpc_metadata_array> {
    UnsafeMutableRawPointer(raw).advanced(
      by: MemoryLayout<cgrpc_incoming_call>.offset(of: \.metadata)!
    ).assumingMemoryBound(to: grpc_metadata_array.self)
  }

  // MARK: After it has come

  /// The path, such as `/weft.gateway.v1.GatewayService/Generate`.
  var path: String { String(raw.pointee.details.method) }

  /// The host that the client asked for.
  var authority: String { String(raw.pointee.details.host) }

  /// When the client's patience ends.
  var deadline: ContinuousClock.Instant? { Deadline.instant(raw.pointee.details.deadline) }

  /// A copy of the client's metadata. Before the call is released.
  func copyMetadata() -> Metadata { Metadata(raw.pointee.metadata) }

  /// Hands over the call. Once.
  func takeCall() -> CallHandle {
    guard let call = raw.pointee.call else { preconditionFailure("the call was taken already") }
    raw.pointee.call = nil
    return CallHandle(owning: call, liveObjects: liveObjects)
  }
}
