const Router = require("router");

const router = Router();
router.get("/files/*", (request, response) => response.end(request.params[0]));

router({ method: "GET", url: "/files/a/b" }, { end: console.log }, console.error);
