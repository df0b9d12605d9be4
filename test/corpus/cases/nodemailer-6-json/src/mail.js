import nodemailer from "nodemailer";

const transport = nodemailer.createTransport({ jsonTransport: true });

export async function greet(to) {
  const { message } = await transport.sendMail({
    from: "shop@example.com",
    to,
    subject: "Welcome",
    text: "Thank you.",
  });
  return JSON.parse(message).subject;
}

console.log(await greet("ann@example.com"));
