import FTSLTransport
import NIOSSL
import Testing

@Suite("TLS credentials")
struct TLSCredentialsTests {
    private func name(_ pem: String) throws -> String? {
        let certificate = try #require(try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).first)
        return TLSCredentials.name(of: certificate)
    }

    @Test("The name of a certificate is its first DNS name, addresses do not count")
    func dnsName() throws { #expect(try name(withNames) == "first.example.org") }

    @Test("Without DNS names it is the common name")
    func commonName() throws { #expect(try name(withCommonName) == "only common") }

    @Test("A certificate without either has no name")
    func nameless() throws { #expect(try name(withoutName) == nil) }

    @Test("Files that are not there or hold something else are unusable, and named")
    func unusable() throws {
        #expect {
            try TLSCredentials(
                certificate: "/nowhere/a.crt", key: "/nowhere/a.key", authority: "/nowhere/ca.crt")
        } throws: { error in
            (error as? TLSCredentials.Unusable)?.text.contains("/nowhere/a.crt") == true
        }
    }

    @Test("A new key can be used at both ends")
    func generated() throws { _ = try TLSCredentials(try KeyPair.generate()) }

    @Test("A certificate without its key cannot")
    func foreignKey() throws {
        let (one, other) = try (KeyPair.generate(), KeyPair.generate())
        let key = try #require(one.pem.components(separatedBy: "-----BEGIN CERT").first)
        let certificate = try #require(other.pem.components(separatedBy: "-----BEGIN CERT").last)
        let mixed = try KeyPair(pem: key + "-----BEGIN CERT" + certificate)
        #expect(throws: (any Error).self) { try TLSCredentials(mixed) }
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}

/// Made by openssl: CN=common, IP:10.0.0.1, DNS:first.example.org, DNS:second.
let withNames = """
    -----BEGIN CERTIFICATE-----
    MIIBpTCCAUugAwIBAgIUR+iCg8ePTd93M6w5O22ngtGDHdQwCgYIKoZIzj0EAwIw
    ETEPMA0GA1UEAwwGY29tbW9uMCAXDTI2MTEyNDA5MzAzMFoYDzIxMjYxMDMxMDkz
    MDMwWjARMQ8wDQYDVQQDDAZjb21tb24wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
    AAQVtnA5wof8rKB2jsivU83Q+j2lzvOrvvpklwJRXRQxesP9AIYZrNvWvPlzikZD
    dqfHH+FqKGC/ru+jCTKWjisdo38wfTAdBgNVHQ4EFgQUIRL6JeNjEcXSowPnyLFb
    9ULCC4EwHwYDVR0jBBgwFoAUIRL6JeNjEcXSowPnyLFb9ULCC4EwDwYDVR0TAQH/
    BAUwAwEB/zAqBgNVHREEIzAhhwQKAAABghFmaXJzdC5leGFtcGxlLm9yZ4IGc2Vj
    b25kMAoGCCqGSM49BAMCA0gAMEUCIQCyerm9yhx0QDhXpkGZ2IzwPTcx5EpPTAGV
    P1/aj0sjrQIgc9LRT2ODl9gtfMNHS55Rywzy6oq/8MHxUdiaWOwhF8I=
    -----END CERTIFICATE-----
    """

/// O=org, CN=only common.
private let withCommonName = """
    -----BEGIN CERTIFICATE-----
    MIIBmDCCAT+gAwIBAgIUJ0iPY7sj00aZ4X9xGu2THw0HtvAwCgYIKoZIzj0EAwIw
    JDEMMAoGA1UECgwDb3JnMRQwEgYDVQQDDAtvbmx5IGNvbW1vbjAgFw0yNjExMjQw
    OTMwMzBaGA8yMTI2MTAzMTA5MzAzMFowJDEMMAoGA1UECgwDb3JnMRQwEgYDVQQD
    DAtvbmx5IGNvbW1vbjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABG0sFL5ZN1fR
    qTVzde0USw5hRiLf36Vwv0XqfVWEOXpDh1ScR30BXlzL1bvN1X55EhdI24yxnZWR
    xAtLjqNjAr6jTTBLMB0GA1UdDgQWBBTNmyuthxhKs1vn1PU5jwOuYG4ODTAfBgNV
    HSMEGDAWgBTNmyuthxhKs1vn1PU5jwOuYG4ODTAJBgNVHRMEAjAAMAoGCCqGSM49
    BAMCA0cAMEQCIH50IPxwQci6AP8F2Fd9pgSlmmHUWAmHqk9VNr0MMHlfAiB/PHnT
    jcdt04tJ2klSBGnVP/zV62/WoVMH6OdR/WQqew==
    -----END CERTIFICATE-----
    """

/// O=org.
private let withoutName = """
    -----BEGIN CERTIFICATE-----
    MIIBbjCCAROgAwIBAgIUXlipl7qAitrwXC5Hfcv+UTMt7UUwCgYIKoZIzj0EAwIw
    DjEMMAoGA1UECgwDb3JnMCAXDTI2MTEyNDA5MzAzMVoYDzIxMjYxMDMxMDkzMDMx
    WjAOMQwwCgYDVQQKDANvcmcwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARTaOwy
    UqZ9Qw6Ye7mf2ebmbMBdB+2MJnbXXGf5ZG8KvxDPQAbwjfPlKGC7I5LOiEweCD1+
    0i55Rfp81qICS0e7o00wSzAdBgNVHQ4EFgQU3p/r8x4qPikQ+K4qQVc4BqiHvbYw
    HwYDVR0jBBgwFoAU3p/r8x4qPikQ+K4qQVc4BqiHvbYwCQYDVR0TBAIwADAKBggq
    hkjOPQQDAgNJADBGAiEA7iW8QI2byd1CDlpvhm9lWnELTNPCbxg4hx1+VyTaP6MC
    IQC3fLtq8nur4cHVai/tYPtZkm3NEc5pAfMIhcrSuR9rLA==
    -----END CERTIFICATE-----
    """
