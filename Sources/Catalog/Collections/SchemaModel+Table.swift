import JSON
import JSONSchema

extension SchemaModel {
    /// The schema of a collection that is a table's rows: each change brings columns, those it leaves out keep their
    /// value, and the operation `d` deletes.
    static let table: SchemaModel? = {
        guard let value = try? JSONValue(parsing: Array(text.utf8)),
            let compiled = try? SchemaCompiler(.flow).compile(value)
        else { return nil }
        return SchemaModel(
            compiled: compiled, shape: ShapeInference.infer(compiled).shape, isOpen: true, node: nil, documents: [:])
    }()

    private static let text = """
        {
          "type": "object",
          "properties": {
            "_meta": {
              "type": "object",
              "properties": { "before": { "reduce": { "strategy": "firstWriteWins" } } },
              "reduce": { "strategy": "merge" }
            }
          },
          "if": { "properties": { "_meta": { "properties": { "op": { "const": "d" } }, "required": ["op"] } },
                  "required": ["_meta"] },
          "then": { "reduce": { "strategy": "merge", "delete": true } },
          "else": { "reduce": { "strategy": "merge" } }
        }
        """
}
