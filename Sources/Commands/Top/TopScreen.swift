private import CLinux
private import Glibc

/// The terminal while `top` has it: keys come one by one, and the screen before comes back when this goes.
struct TopScreen: ~Copyable {
    private static let enterScreen = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J"
    private static let leaveScreen = "\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l"

    private let color: Bool
    private var before: termios

    /// Standard input and output are both a terminal.
    static var isThere: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

    /// nil: the terminal has gone.
    init?() {
        var found = termios()
        guard tcgetattr(STDIN_FILENO, &found) == 0 else { return nil }
        before = found
        color = getenv("NO_COLOR").map { $0.pointee == 0 } ?? true
        take()
    }

    deinit { Self.giveBack(before) }

    /// Puts the terminal back as it was, until `take`.
    func leave() { Self.giveBack(before) }

    func take() {
        var raw = before
        cfmakeraw(&raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        Terminal.write(Self.enterScreen, to: STDOUT_FILENO)
    }

    private static func giveBack(_ before: termios) {
        var before = before
        Terminal.write(leaveScreen, to: STDOUT_FILENO)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before)
    }

    var size: TopSize {
        var found = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &found) == 0, found.ws_col > 0, found.ws_row > 0 else {
            return TopSize(columns: 80, lines: 24)
        }
        return TopSize(columns: Int(found.ws_col), lines: Int(found.ws_row))
    }

    /// Writes all lines over what stands there; false: the terminal is gone.
    func draw(_ lines: [TopLine]) -> Bool {
        var text = "\u{1B}[H"
        for (index, line) in lines.enumerated() {
            if index > 0 { text += "\r\n" }
            text += rendered(line) + "\u{1B}[K"
        }
        return Terminal.write(text + "\u{1B}[J", to: STDOUT_FILENO)
    }

    private func rendered(_ line: TopLine) -> String {
        line.pieces.reduce(into: "") { text, piece in
            let code = piece.style.code(color: color)
            text += code.isEmpty ? piece.text : "\u{1B}[\(code)m\(piece.text)\u{1B}[0m"
        }
    }
}
