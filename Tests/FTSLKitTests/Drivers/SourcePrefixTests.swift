import Testing

import FTSLKit

struct SourcePrefixTests {
    @Test(
        "An IPv4 address stands for its /24, what is no address for itself",
        arguments: [
            ("10.1.2.3", "10.1.2.0/24"), ("10.1.2.250", "10.1.2.0/24"),
            ("10.1.3.3", "10.1.3.0/24"), ("local", "local"), ("", ""), ("1.2.3", "1.2.3"),
            ("fe80::1%eth0", "fe80::1%eth0"),
        ])
    func fours(address: String, network: String) {
        #expect(SourcePrefix.of(address) == network)
    }

    @Test("Addresses of one IPv6 network have one prefix, those of its neighbour another")
    func sixes() {
        let here = SourcePrefix.of("2001:db8:1:2:3:4:5:6")
        #expect(here == SourcePrefix.of("2001:db8:1:2::9"))
        #expect(here != SourcePrefix.of("2001:db8:1:3::9"))
        #expect(here.hasSuffix("::/64"))
        #expect(SourcePrefix.of("::1") != here)
    }
}
