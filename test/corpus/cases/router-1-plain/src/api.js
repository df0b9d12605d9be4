const Router = require("router");

const router = Router({ mergeParams: true });
router.use((request, response, next) => next());
router.get("/users/:id", (request, response) => response.end(request.params.id));

router({ method: "GET", url: "/users/7" }, { end: console.log }, console.error);
