/// What a start has made so far and how to take it back, newest first.
struct Undo {
    private var steps: [() -> Void] = []

    mutating func add(_ step: @escaping () -> Void) { steps.append(step) }

    mutating func run() {
        while let step = steps.popLast() { step() }
    }
}
