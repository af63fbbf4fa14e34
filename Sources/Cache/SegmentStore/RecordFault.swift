/// Why a record cannot be given back.
package enum RecordFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file ends within it.
  case cutOff
  /// What stands at its place is no record's header, or fails the header's checksum.
  case damagedHeader
  /// The header is another record's, or another segment's.
  case foreignHeader
  /// The payload fails its checksum.
  case damagedPayload
  /// The compressed payload is intact, but is none of this length and checksum.
  case undecodable
  /// The device failed to read it.
  case unreadable(DeviceError)

  package var description: String {
    switch self {
    case .cutOff: "the file ends within the record"
    case .damagedHeader: "the header is damaged"
    case .foreignHeader: "the header is another record's"
    case .damagedPayload: "the payload fails its checksum"
    case .undecodable: "the payload cannot be decompressed"
    case .unreadable(let error): "\(error)"
    }
  }
}
