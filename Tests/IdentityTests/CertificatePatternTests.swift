import Catalog
import Identity
import Testing

@Suite struct CertificatePatternTests {
    private func matches(_ pattern: String, _ subject: String, _ names: [String] = []) -> Bool? {
        CertificatePattern(pattern)?.matches(CertificateFacts(subject: subject, names: names))
    }

    @Test(arguments: [
        ("CN=checkout,O=shop", "CN=checkout,O=shop", true), ("CN=checkout, O=shop", "CN=checkout,O=shop", true),
        ("cn=checkout,o=shop", "CN=checkout,O=shop", true), ("CN=Checkout,O=shop", "CN=checkout,O=shop", false),
        ("CN=checkout", "CN=checkout,O=shop", false), ("CN=checkout,O=shop", "CN=checkout", false),
        ("CN=*,O=shop", "CN=anything,O=shop", true), ("CN=check???,O=*", "CN=checkout,O=", true),
        ("O=shop,CN=checkout", "CN=checkout,O=shop", false),
        // What a subject says within one part does not reach into the next.
        ("CN=*,O=shop", #"CN=evil\,O=shop"#, false), ("CN=*", "CN=evil,O=shop", false),
        ("CN=*,O=shop", #"CN=evil\,O=shop,O=other"#, false), ("CN=*,O=shop", #"CN=a\\,O=shop"#, true),
        ("CN=*,O=shop", "", false), ("CN=*,O=shop", ",", false), ("CN=*", "CN", false),
        (#"CN=a\,b,O=shop"#, #"CN=a\,b,O=shop"#, true), ("CN=checkout+UID=1", "CN=checkout+UID=1", true),
    ])
    func subjects(pattern: String, subject: String, expected: Bool) {
        #expect(matches(pattern, subject) == expected)
    }

    @Test(arguments: [
        ("dns:checkout.*", ["dns:checkout.example"], true), ("dns:Checkout.*", ["dns:CHECKOUT.example"], true),
        ("dns:checkout.*", ["dns:evil.example", "dns:checkout.example"], true),
        ("dns:checkout.*", ["uri:checkout.example"], false), ("dns:checkout.*", [], false),
        ("dns:checkout.*", ["dns:checkout.example\0.evil"], false), ("dns:*", ["uri:x"], false),
        ("uri:spiffe://shop/ns/*/sa/checkout", ["uri:spiffe://shop/ns/a/sa/checkout"], true),
        ("uri:spiffe://Shop/x", ["uri:spiffe://shop/x"], false), ("email:*@shop.example", ["email:a@shop.example"], true),
        ("email:*@shop.example", ["email:a@shop.example.evil"], false), ("ip:10.0.0.?", ["ip:10.0.0.1"], true),
    ])
    func names(pattern: String, names: [String], expected: Bool) {
        #expect(matches(pattern, "CN=x", names) == expected)
        #expect(matches(pattern, pattern, []) == false, "a subject is no name")
    }

    @Test(arguments: ["", "checkout", "dns:", "CN=a,", "=a", "CN=a\nO=b", "dns:a\0b", "CN =a,O=b", ",", "dns", "C N=x"])
    func otherTextsAreRefused(text: String) {
        #expect(CertificatePattern.fault(of: text) != nil && CertificatePattern(text) == nil)
    }

    @Test func lengthIsBounded() {
        #expect(CertificatePattern.fault(of: "CN=" + String(repeating: "*a", count: 600)) != nil)
    }

    @Test func theFirstClientCounts() {
        let directory = ClientDirectory(
            Catalog(clients: [
                Client(name: "none"), Client(name: "one", certificates: ["nonsense", "CN=a*"]),
                Client(name: "two", certificates: ["CN=ab", "dns:b"]),
            ]))
        #expect(directory.client(of: CertificateFacts(subject: "CN=ab")) == 1)
        #expect(directory.client(of: CertificateFacts(subject: "CN=b", names: ["dns:b"])) == 2)
        #expect(directory.client(of: CertificateFacts(subject: "nonsense")) == nil)
    }
}
