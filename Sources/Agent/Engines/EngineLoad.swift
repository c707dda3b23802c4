/// How many requests an engine says that it has, running and waiting. Pure.
enum EngineLoad {
    /// Families whose samples are added up, and what a label of theirs must be to count.
    private static let families: [(name: [UInt8], label: [UInt8]?)] = [
        ("vllm:num_requests_running", nil), ("vllm:num_requests_waiting", nil),
        ("sglang:num_running_reqs", nil), ("sglang:num_queue_reqs", nil),
        ("nv_trt_llm_request_metrics", "request_type=\"waiting\""),
        ("nv_trt_llm_request_metrics", "request_type=\"scheduled\""),
        ("trtllm_num_requests_waiting", nil), ("trtllm_num_requests_running", nil),
        ("nv_inference_pending_request_count", nil),
    ].map { (Array($0.0.utf8), $0.1.map { Array($0.utf8) }) }

    /// Reads a page in Prometheus' text format; nil: it has none of the names that are known. Of a name that stands there
    /// several times, for each model or each part of the engine, all count.
    static func parse(_ page: [UInt8]) -> UInt32? {
        var sum: Double?
        for line in page.split(separator: UInt8(ascii: "\n")) {
            guard let first = line.first, first != UInt8(ascii: "#"), let value = value(of: line) else { continue }
            sum = (sum ?? 0) + value
        }
        return sum.map { $0 >= Double(UInt32.max) ? .max : UInt32($0) }
    }

    /// nil: it is no sample that counts.
    private static func value(of line: ArraySlice<UInt8>) -> Double? {
        for family in families where line.starts(with: family.name) {
            let rest = line.dropFirst(family.name.count)
            let behind: ArraySlice<UInt8>
            switch rest.first {
            case UInt8(ascii: "{"):
                guard let end = end(of: rest) else { return nil }
                if let label = family.label, !contains(rest[..<end], label) { continue }
                behind = rest[(end + 1)...]
            case UInt8(ascii: " "), UInt8(ascii: "\t"):
                guard family.label == nil else { continue }
                behind = rest
            default: continue
            }
            return number(behind)
        }
        return nil
    }

    /// Where the labels end: a brace may stand in a value.
    private static func end(of labels: ArraySlice<UInt8>) -> Int? {
        var isQuoted = false
        var isEscaped = false
        for (index, byte) in zip(labels.indices, labels) {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = isQuoted
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: "}"), !isQuoted {
                return index
            }
        }
        return nil
    }

    private static func contains(_ labels: ArraySlice<UInt8>, _ label: [UInt8]) -> Bool {
        labels.indices.contains { index in
            let before = labels[labels.index(before: max(index, labels.startIndex + 1))]
            return (before == UInt8(ascii: "{") || before == UInt8(ascii: ",") || before == UInt8(ascii: " "))
                && labels[index...].starts(with: label)
        }
    }

    /// The value behind a sample's name and labels; a time may follow. What is no number that can be counted is left out.
    private static func number(_ text: ArraySlice<UInt8>) -> Double? {
        let word = text.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            .prefix { $0 > UInt8(ascii: " ") }
        guard word.count <= 64, let value = Double(String(decoding: word, as: UTF8.self)), value.isFinite else { return nil }
        return max(0, value)
    }
}
