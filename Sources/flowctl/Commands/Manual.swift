import ArgumentParser

/// `flowctl manual`: pages for man(1), which `make install` writes beside the binary.
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Print a page for man, or the names of all pages.",
        discussion: """
            EXAMPLES
              flowctl manual                                       # the pages' names
              flowctl manual flowctl-apply > flowctl-apply.1
            """, shouldDisplay: false)

    @Argument(help: "The page: flowctl, or flowctl-COMMAND. Without one all are listed.")
    var page: String?

    func run() throws {
        let pages = ManualPage.all(of: Flowctl.self)
        guard let page else {
            for page in pages { Output.line(page.name) }
            return
        }
        guard let found = pages.first(where: { $0.name == page }) else {
            throw ValidationError("There is no page '\(page)'. 'flowctl manual' lists all of them.")
        }
        Output.lines(found.source(exitCodes: ExitStatus.meanings))
    }
}
