import { number, object, string } from "yup";

const person = object({ name: string().required(), age: number().min(0) });
console.log(person.isValidSync({ name: "Ann", age: 3 }), person.isValidSync({ age: -1 }));
