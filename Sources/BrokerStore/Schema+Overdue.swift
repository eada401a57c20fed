extension Schema {
  /// Requests that are overdue or have been, and those whose ladder would never say so, under their parties: a list of
  /// what is overdue reads these and not every open request (`OverdueSQL`). Kept in batches by `Filing`; a row that is no
  /// longer true does no harm, because each is held against its request.
  ///
  /// What is filed already is looked at once. Of a definition that is not stored, nothing is known: its requests are in.
  static let overdue = """
    CREATE TABLE filed_overdue (
      organ INTEGER NOT NULL,
      role INTEGER NOT NULL CHECK (role IN (0, 1)),
      request INTEGER NOT NULL,
      PRIMARY KEY (organ, role, request)
    ) STRICT, WITHOUT ROWID;
    WITH told AS MATERIALIZED (
      SELECT v.procedure, v.version FROM procedure_version v
        CROSS JOIN json_each(iif(json_valid(v.definition), v.definition, '{}'), '$.ladder') l
      WHERE l.value = 'T')
    INSERT INTO filed_overdue (organ, role, request)
      SELECT f.organ, f.role, f.request FROM filed_request f CROSS JOIN request r ON r.key = f.request
      WHERE f.open = 1 AND r.state IN ('submitted', 'acknowledged')
        AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL
        AND CASE f.role WHEN 0 THEN r.requester ELSE r.responder END = f.organ
        AND (EXISTS (SELECT 1 FROM event e WHERE e.request = r.key AND e.rung % 10 = 3)
          OR (r.procedure, r.procedure_version) NOT IN (SELECT procedure, version FROM told));
    """
}
