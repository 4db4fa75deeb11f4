internal import Files

/// The description of the interface (OpenAPI 3.1), made from the tables of routes and fields.
enum OpenAPI {
  /// The description.
  static func description(_ limits: ServerLimits) -> JSONValue {
    var paths: [(path: String, routes: [Route])] = []
    for route in Route.all {
      if let place = paths.firstIndex(where: { $0.path == route.path }) {
        paths[place].routes.append(route)
      } else {
        paths.append((route.path, [route]))
      }
    }
    let texts = paths.map { path, routes in
      let operations = routes.map {
        "\(JSON.text(of: $0.method.lowercased())):\(operation($0, limits).json)"
      }
      return "\(JSON.text(of: path)):{\(operations.joined(separator: ","))}"
    }
    return .object([
      "openapi": .text("3.1.0"),
      "info": .object([
        "title": .text("majortom serve"), "version": .text("1"),
        "description": .text("Recurrent networks that write, tag and translate text."),
      ]),
      "paths": .raw("{\(texts.joined(separator: ","))}"),
      "components": .object([
        "securitySchemes": .object([
          "key": .object(["type": .text("http"), "scheme": .text("bearer")])
        ]),
        "schemas": .object(["Error": error]),
      ]),
    ])
  }

  private static let error: JSONValue = .object([
    "type": .text("object"), "required": .list([.text("error")]),
    "properties": .object([
      "error": .object([
        "type": .text("object"),
        "required": .list([.text("message"), .text("type")]),
        "properties": .object([
          "message": .object(["type": .text("string")]), "type": .object(["type": .text("string")]),
          "param": .object(["type": .list([.text("string"), .text("null")])]),
          "code": .object(["type": .list([.text("string"), .text("null")])]),
        ]),
      ])
    ]),
  ])

  private static func operation(_ route: Route, _ limits: ServerLimits) -> JSONValue {
    let fields = route.fields(limits)
    let body =
      fields.isEmpty
      ? ""
      : ",\"requestBody\":"
        + JSONValue.object([
          "required": .flag(true),
          "content": .object([
            "application/json": .object(["schema": Field.schema(of: fields, about: route.about)])
          ]),
        ]).json
    let answers = JSONValue.object([
      "200": .object([
        "description": .text(route.about),
        "content": .raw("{\(JSON.text(of: route.type)):{}}"),
      ]),
      "default": .object([
        "description": .text("What is wrong"),
        "content": .object([
          "application/json": .object([
            "schema": .object(["$ref": .text("#/components/schemas/Error")])
          ])
        ]),
      ]),
    ]).json
    let parameters =
      route.path.hasSuffix("{model}")
      ? ",\"parameters\":"
        + JSONValue.list([
          .object([
            "name": .text("model"), "in": .text("path"), "required": .flag(true),
            "schema": .object(["type": .text("string")]),
          ])
        ]).json : ""
    let security = route.isOpen ? "[]" : "[{\"key\":[]},{}]"
    return .raw(
      "{\"summary\":\(JSON.text(of: route.about)),\"security\":\(security),\"responses\":\(answers)\(body)\(parameters)}"
    )
  }
}
