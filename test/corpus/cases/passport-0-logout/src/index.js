const passport = require("passport");

const initialize = passport.initialize();

exports.logout = (request, response, next) => {
  initialize(request, response, (error) => {
    if (error) return next(error);
    request.logout();
    response.redirect("/");
  });
};

const session = { regenerate: (done) => done(), save: (done) => done() };
exports.logout({ session }, { redirect: (to) => console.log(to) }, (error) =>
  console.log(String(error)),
);
