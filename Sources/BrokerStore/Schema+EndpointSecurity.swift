extension Schema {
  /// `sealed` tells the rows whose secrets are under the data key from those of before, which the daemon seals as it
  /// starts.
  static let endpointSecurity = """
    ALTER TABLE endpoint ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1));
    ALTER TABLE endpoint ADD COLUMN signatures TEXT NOT NULL DEFAULT 'v1' CHECK (signatures IN ('v1', 'v1 v1sm3'));
    ALTER TABLE endpoint ADD COLUMN format TEXT NOT NULL DEFAULT 'standard'
      CHECK (format IN ('standard', 'cloudevents'));
    ALTER TABLE endpoint ADD COLUMN tls_ca TEXT;
    ALTER TABLE endpoint ADD COLUMN tls_certificate TEXT;
    ALTER TABLE endpoint ADD COLUMN tls_key BLOB CHECK ((tls_key IS NULL) = (tls_certificate IS NULL));
    ALTER TABLE endpoint ADD COLUMN tls_shown TEXT;
    """
}
