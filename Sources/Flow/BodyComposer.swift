import HTTPWire

/// Bodies whose bytes are not quite those that came.
enum BodyComposer {
    /// Appends what becomes of `bytes[range]`, the next piece of a body that has no framing of its own.
    static func append(_ bytes: Span<UInt8>, _ range: Range<Int>, _ edits: inout BodyEdits, to output: inout [UInt8]) {
        var position = range.lowerBound
        var inserted: [UInt8] = []
        while position < range.upperBound {
            let step = edits.step(bytes, position..<range.upperBound, into: &inserted)
            output.append(bytes, position..<position + step.passed)
            output.append(contentsOf: inserted)
            inserted.removeAll(keepingCapacity: true)
            position += step.count
        }
    }

    /// Appends what becomes of the next piece of a chunked body, `bytes[range]`, which was gone through before and has no
    /// fault.
    static func append(_ bytes: Span<UInt8>, _ range: Range<Int>, _ edit: inout ChunkedEdit, to output: inout [UInt8]) {
        let piece = bytes.extracting(0..<range.upperBound)
        var position = range.lowerBound
        while position < range.upperBound, !edit.isComplete {
            let mark = output.count
            guard let step = try? edit.step(piece, from: position, into: &output) else { return }
            // What the step passed comes before what it appended, and most steps do only one of the two.
            if step.passed > 0, output.count == mark {
                output.append(bytes, position..<position + step.passed)
            } else if step.passed > 0 {
                let appended = Array(output[mark...])
                output.removeLast(appended.count)
                output.append(bytes, position..<position + step.passed)
                output.append(contentsOf: appended)
            }
            position += step.passed + step.replaced
        }
    }
}
