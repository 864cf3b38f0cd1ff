import pg from "pg";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query("CREATE TABLE IF NOT EXISTS product (id serial PRIMARY KEY, name text NOT NULL)");
await client.query("INSERT INTO product (name) VALUES ('kettle'), ('lamp')");
await client.end();
console.log("migrated");
