private import Glibc

/// Draws, waits for a key, a signal, an answer or the next look, and goes on until somebody has seen enough.
struct TopLoop: ~Copyable {
    /// After Escape, for the rest of a key that begins with it.
    private static let keyPatience: Int32 = 25

    private let screen: TopScreen
    private let signals: TopSignals
    private let feed: TopFeed
    private var state: TopState
    private var keys = TopKeyReader()
    private var due = Deadline(afterMilliseconds: 0)

    init(_ screen: consuming TopScreen, _ signals: consuming TopSignals, _ feed: TopFeed, _ state: TopState) {
        self.screen = screen
        self.signals = signals
        self.feed = feed
        self.state = state
    }

    mutating func run() {
        ask()
        while true {
            let size = screen.size
            state.pageSize = TopView.pageSize(size)
            guard screen.draw(TopView(state, size).lines), step() else { return }
        }
    }

    private mutating func ask() {
        due = Deadline(afterMilliseconds: Int(state.interval * 1000))
        feed.ask(flows: state.wantsFlows)
    }

    /// Waits for something and deals with it; false: that is all.
    private mutating func step() -> Bool {
        var entries = [STDIN_FILENO, signals.descriptor, feed.descriptor].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        let patience = keys.isPending ? Self.keyPatience : state.isPaused ? -1 : due.remainingMilliseconds
        let ready = poll(&entries, nfds_t(entries.count), patience)
        if ready == 0, keys.isPending { return press(keys.flush()) }
        if !state.isPaused, due.isOver { ask() }
        guard ready > 0 else { return true }
        if entries[1].revents != 0, signals.take().contains(where: TopSignals.ends) { return false }
        if entries[2].revents != 0 { takeAnswer() }
        return entries[0].revents == 0 || readKeys()
    }

    private mutating func takeAnswer() {
        switch feed.take() {
        case .success(let report): state.take(report)
        case .failure(let error): state.lose(error.description)
        case nil: break
        }
    }

    private mutating func readKeys() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0 else { return count < 0 && errno == EINTR }
        return press(keys.read(bytes[..<count]))
    }

    private mutating func press(_ keys: [TopKey]) -> Bool {
        for key in keys {
            switch state.press(key) {
            case .none: break
            case .quit: return false
            case .refresh: ask()
            case .suspend:
                screen.leave()
                TopSignals.stops()
                screen.take()
            case .redraw: screen.take()
            }
        }
        return true
    }
}
