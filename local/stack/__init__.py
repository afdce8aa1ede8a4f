"""All of Reelay on one machine, supervised: Azurite, the Azure fakes, the Durable engine, the function hosts."""
