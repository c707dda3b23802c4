internal import CBPFShim
import Glibc

/// An ELF object with programs and maps, between opening and loading; what it has loaded is taken out of it as
/// descriptors of their own, so the object may go before they do.
package struct BPFObject: ~Copyable {
    package let name: String
    private let pointer: OpaquePointer

    /// The capture programs that are built into this binary.
    package static func capture() throws(BPFError) -> BPFObject {
        var length = 0
        let bytes = mb_capture_object(&length)
        return try BPFObject(name: "capture", bytes: UnsafeRawBufferPointer(start: bytes, count: length))
    }

    package init(name: String, bytes: UnsafeRawBufferPointer) throws(BPFError) {
        let (pointer, errno, log) = Self.open(name: name, bytes: bytes)
        guard let pointer else { throw BPFError(operation: "open object", object: name, errno: errno, log: log) }
        self.name = name
        self.pointer = pointer
    }

    deinit { bpf_object__close(pointer) }

    private static func open(name: String, bytes: UnsafeRawBufferPointer) -> (OpaquePointer?, Int32, VerifierLog) {
        guard let base = bytes.baseAddress else { return (nil, EINVAL, VerifierLog(text: "")) }
        var pointer: OpaquePointer?
        let outcome = LogCapture.run {
            pointer = mb_object_open(base, bytes.count, name)
            return pointer == nil ? -1 : 0
        }
        return (pointer, outcome.errno, outcome.log)
    }

    /// Names of the maps and programs that it defines.
    package var mapNames: [String] {
        var names: [String] = []
        var map = bpf_object__next_map(pointer, nil)
        while let current = map {
            names.append(String(cString: bpf_map__name(current)))
            map = bpf_object__next_map(pointer, current)
        }
        return names
    }

    package var programNames: [String] {
        var names: [String] = []
        var program = bpf_object__next_program(pointer, nil)
        while let current = program {
            names.append(String(cString: bpf_program__name(current)))
            program = bpf_object__next_program(pointer, current)
        }
        return names
    }

    /// What a map must look like to serve the programs.
    package func shape(ofMap map: String) throws(BPFError) -> MapShape {
        let found = try find(map: map)
        return MapShape(
            type: UInt32(bpf_map__type(found).rawValue), keySize: bpf_map__key_size(found),
            valueSize: bpf_map__value_size(found), maxEntries: bpf_map__max_entries(found), flags: bpf_map__map_flags(found))
    }

    /// What a map's keys and values must look like to serve the programs.
    package func layout(ofMap map: String) throws(BPFError) -> MapLayout {
        let found = try find(map: map)
        return MapLayout(
            shape: try shape(ofMap: map), key: try leaves(of: found, values: false), value: try leaves(of: found, values: true))
    }

    private func leaves(of map: OpaquePointer, values: Bool) throws(BPFError) -> [MapLayout.Leaf] {
        var found = [mb_leaf](repeating: mb_leaf(), count: 1024)
        let count = mb_map_layout(pointer, map, values ? 1 : 0, &found, found.count)
        guard count >= 0 else {
            throw BPFError(operation: "describe map", object: String(cString: bpf_map__name(map)), errno: -count)
        }
        return found.prefix(Int(count)).compactMap { leaf in
            let path = withUnsafeBytes(of: leaf.path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            let kind: MapLayout.Leaf.Kind = leaf.kind == MB_LEAF_BYTES.rawValue ? .bytes : .integer
            return MapLayout.Leaf(path, kind, offset: Int(leaf.offset), size: Int(leaf.size))
        }
    }

    /// Has the programs use an existing map. To be called before `load`.
    package func reuse(map: String, descriptor: Int32) throws(BPFError) {
        let found = try find(map: map)
        _ = try BPFError.check(bpf_map__reuse_fd(found, descriptor), "reuse map", map)
    }

    /// Leaves a program out of `load`, which must come later.
    package func skip(program: String) throws(BPFError) {
        guard let found = bpf_object__find_program_by_name(pointer, program) else {
            throw BPFError(operation: "find program", object: program, errno: ENOENT)
        }
        _ = try BPFError.check(bpf_program__set_autoload(found, false), "leave out program", program)
    }

    /// Makes the maps and has the verifier check the programs.
    package func load() throws(BPFError) {
        let outcome = LogCapture.run { bpf_object__load(pointer) }
        guard outcome.result < 0 else { return }
        throw BPFError(operation: "load object", object: name, errno: outcome.errno, log: outcome.log)
    }

    /// The loaded program of this name.
    package func program(_ program: String) throws(BPFError) -> BPFProgram {
        guard let found = bpf_object__find_program_by_name(pointer, program) else {
            throw BPFError(operation: "find program", object: program, errno: ENOENT)
        }
        return BPFProgram(try Descriptor.duplicate(of: bpf_program__fd(found), for: program))
    }

    /// A descriptor of the loaded (or reused) map of this name.
    package func descriptor(ofMap map: String) throws(BPFError) -> Descriptor {
        try Descriptor.duplicate(of: bpf_map__fd(try find(map: map)), for: map)
    }

    private func find(map: String) throws(BPFError) -> OpaquePointer {
        guard let found = bpf_object__find_map_by_name(pointer, map) else {
            throw BPFError(operation: "find map", object: map, errno: ENOENT)
        }
        return found
    }
}
