extension Session {
    /// Fixed for the life of the session.
    package struct Identity {
        package var role: Role
        package var id: SessionID
        package var secret: SessionSecret
        package var version: UInt16
        package var flags: ServiceFlags
        package var limits: AgreedLimits
        package var maxWindow: UInt64

        package init(
            role: Role, id: SessionID, secret: SessionSecret, version: UInt16,
            flags: ServiceFlags, limits: AgreedLimits, maxWindow: UInt64
        ) {
            self.role = role
            self.id = id
            self.secret = secret
            self.version = version
            self.flags = flags
            self.limits = limits
            self.maxWindow = maxWindow
        }
    }
}
