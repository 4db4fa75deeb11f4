/// Headers by which a browser runs nothing on the page but its own script.
let pageHeaders =
  "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
  + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\n"
  + "Referrer-Policy: no-referrer\n"

/// The page: one document with its style and its script, which asks nobody but this server.
let page = """
  <!doctype html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Major Tom</title>
  <link rel="icon" href="data:,">
  <style>
  \(pageStyle)</style>
  </head>
  <body>
  \(pageBody)<script>
  \(pageScript)</script>
  </body>
  </html>

  """
