import Catalog
import Testing

@Suite struct AddressTests {
    @Test(arguments: ["127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "::", "2001:db8::5", "::ffff:1.2.3.4"])
    func roundTrips(text: String) throws {
        #expect(try #require(IPAddress(text)).description == text)
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "fe80::1%eth0", "localhost", "1.2.3.4 ", ":::"])
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: ["127.0.0.1:80", "[::1]:15001"])
    func socketAddressRoundTrips(text: String) throws {
        #expect(try #require(SocketAddress(text)).description == text)
    }

    @Test(arguments: ["127.0.0.1", "::1:80", "[127.0.0.1]:80", "127.0.0.1:65536", "[::1]:", ":80", "127.0.0.1:+80"])
    func refusesSocketAddress(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test func blocksContain() throws {
        let base = try #require(IPAddress("127.64.0.0"))
        let block = try #require(CIDR(address: base, prefixLength: 16))
        #expect(block.contains(try #require(IPAddress("127.64.255.1"))))
        #expect(!block.contains(try #require(IPAddress("127.65.0.1"))))
        #expect(!block.contains(try #require(IPAddress("::1"))))
        let documentation = try #require(IPAddress("2001:db8::"))
        let wide = try #require(CIDR(address: documentation, prefixLength: 96))
        #expect(wide.contains(try #require(IPAddress("2001:db8::ffff"))))
        #expect(!wide.contains(try #require(IPAddress("2001:db8::1:0:0"))))
        #expect(CIDR(address: try #require(IPAddress("10.0.0.1")), prefixLength: 8) == nil)
        #expect(CIDR(address: try #require(IPAddress("10.0.0.0")), prefixLength: 33) == nil)
    }
}
