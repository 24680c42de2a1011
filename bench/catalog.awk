#!/usr/bin/awk -f
# awk -v tables=N -v files=N -v folder=PATH -f bench/catalog.awk
# Writes a catalog of so many captured and materialized tables over so many files into a folder that is there. Each file has
# a capture, the collections of its tables with a schema of eight properties each, and a materialization. The first,
# flow.yaml, imports the others.
BEGIN {
    for (part = 0; part < files; part++) {
        file = folder "/" (part == 0 ? "flow.yaml" : "part_" part ".yaml")
        name = "part_" part
        printf "" > file
        if (part == 0 && files > 1) {
            list = ""
            for (other = 1; other < files; other++) list = list (other > 1 ? ", " : "") "part_" other ".yaml"
            print "import: [" list "]" > file
        }
        print "captures:\n  shop/" name "/source:" > file
        endpoint("source-postgres", 5432, name, "advanced: { slotName: flow_" name ", publicationName: flow_" name " }")
        for (table = part; table < tables; table += files) {
            print "      - resource: { namespace: public, stream: table_" table ", syncMode: incremental }" > file
            print "        target: shop/" name "/table_" table > file
        }
        print "collections:" > file
        for (table = part; table < tables; table += files) collection("shop/" name "/table_" table)
        print "materializations:\n  shop/" name "/warehouse:" > file
        endpoint("materialize-postgres", 5433, name, "schema: public")
        for (table = part; table < tables; table += files) {
            print "      - source: shop/" name "/table_" table > file
            print "        resource: { table: table_" table " }" > file
        }
        close(file)
    }
}

function endpoint(connector, port, database, last) {
    print "    endpoint:\n      connector:\n        image: ghcr.io/estuary/" connector ":dev\n        config:" > file
    print "          address: \"localhost:" port "\"\n          database: " database "\n          user: flow" > file
    print "          password: { env: SHOP_PASSWORD }\n          " last "\n    bindings:" > file
}

function collection(name) {
    print "  " name ":\n    key: [/id]\n    schema:\n      type: object\n      properties:" > file
    print "        id: { type: integer }" > file
    print "        customer_id: { type: integer, minimum: 1 }" > file
    print "        state: { type: string, enum: [open, paid, sent, closed] }" > file
    print "        total: { type: string, format: number }" > file
    print "        note: { type: [string, 'null'], maxLength: 500 }" > file
    print "        tags: { type: array, items: { type: string } }" > file
    print "        placed_at: { type: string, format: date-time }" > file
    print "        changed_at: { type: string, format: date-time }" > file
    print "      required: [id, customer_id]" > file
}
