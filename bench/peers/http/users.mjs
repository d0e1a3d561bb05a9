/** The two routes that every HTTP subject serves: GET /users/:id, and POST /users with a validated body. */
export const host = "127.0.0.1";

export const body = { name: "Ada Lovelace", email: "ada@example.test", age: 36, tags: ["maths", "engines"] };

export const found = (id) => ({ id, ...body });

export const created = (user) => ({ id: "1", ...user });
