// The reference of the API at /docs: Swagger UI on this server's OpenAPI document. Requests have the rights of the
// signed-in browser, or of a key given under "Authorize".

// Swagger UI sets descriptions as markup, which the page's policy forbids (Trusted Types). Ours are plain text.
const PlainDescriptions = ({ React }) => ({
  components: {
    Markdown: ({ source, className = "" }) => React.createElement("p", { className: `markdown ${className}` }, source),
  },
})

const dark = matchMedia("(prefers-color-scheme: dark)")
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches)
dark.addEventListener("change", follow)
follow()

window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  layout: "BaseLayout",
  presets: [window.SwaggerUIBundle.presets.apis],
  plugins: [PlainDescriptions],
  persistAuthorization: false,
  validatorUrl: null,
})
