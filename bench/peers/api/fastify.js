// Fastify with the same check.
const app = require("fastify")();
const { check } = require("./check.js");

app.get("/", async (request, reply) => {
  const principal = check(request.headers);
  if (!principal) return reply.code(401).type("application/problem+json").send({ status: 401, code: "invalid_key" });
  return { principal };
});
app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
