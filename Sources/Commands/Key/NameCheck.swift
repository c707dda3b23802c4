/// Whether a text can be a name of the configuration.
enum NameCheck {
    static func isClient(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }
}
