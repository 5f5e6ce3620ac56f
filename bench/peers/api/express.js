// Express with the same check.
const app = require("express")();
const { check } = require("./check.js");

app.get("/", (request, reply) => {
  const principal = check(request.headers);
  if (!principal) return reply.status(401).type("application/problem+json").send({ status: 401, code: "invalid_key" });
  reply.json({ principal });
});
app.listen(Number(process.env.PORT), "127.0.0.1");
