internal import CBPFShim
import Glibc

/// What the kernel tells about a map.
package struct MapFacts: Hashable, Sendable {
    package var id: UInt32
    package var name: String
    package var shape: MapShape

    /// EINVAL if the descriptor is not a map's.
    package init(descriptor: Int32, object: String) throws(BPFError) {
        let info = try kernelInfo(of: descriptor, bpf_map_info(), object)
        id = info.id
        name = withUnsafeBytes(of: info.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        shape = MapShape(
            type: info.type, keySize: info.key_size, valueSize: info.value_size, maxEntries: info.max_entries,
            flags: info.map_flags)
    }

    /// Kernel memory that the map holds, in bytes, as its fdinfo tells.
    package static func memory(descriptor: Int32) -> UInt64 {
        guard let file = fopen("/proc/self/fdinfo/\(descriptor)", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("memlock:") else { continue }
            return UInt64(text.dropFirst(8).filter { $0.isNumber }) ?? 0
        }
        return 0
    }
}

/// BPF_OBJ_GET_INFO_BY_FD into a C structure (imported ones do not conform to BitwiseCopyable).
func kernelInfo<Info>(of descriptor: Int32, _ empty: Info, _ object: String) throws(BPFError) -> Info {
    var info = empty
    var length = UInt32(MemoryLayout<Info>.size)
    let result = withUnsafeMutablePointer(to: &info) { bpf_obj_get_info_by_fd(descriptor, UnsafeMutableRawPointer($0), &length) }
    _ = try BPFError.check(result, "ask the kernel about", object)
    return info
}
