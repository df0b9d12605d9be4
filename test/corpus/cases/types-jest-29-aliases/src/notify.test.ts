type Send = (to: string, text: string) => void;

function notify(users: readonly string[], send: Send): void {
  for (const user of users) send(user, "hello");
}

test("each user is told", () => {
  const send = jest.fn();
  notify(["ada"], send);
  expect(send).toBeCalledWith("ada", "hello");
});
